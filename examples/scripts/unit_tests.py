"""Define a small class, its unittest tests with mocks and subtests, run them, and report."""

import io
import unittest
from unittest import mock


class Account:
    """Money in cents; refuses to go below its limit."""

    def __init__(self, owner, balance=0, limit=0, notify=None):
        self.owner, self.balance, self.limit, self.notify = owner, balance, limit, notify

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("amount must be positive")
        self.balance += amount

    def withdraw(self, amount):
        if self.balance - amount < -self.limit:
            raise LookupError(f"{self.owner} has only {self.balance}")
        self.balance -= amount
        if self.notify and self.balance < 0:
            self.notify(self.owner, self.balance)

    def transfer(self, other, amount):
        self.withdraw(amount)
        try:
            other.deposit(amount)
        except ValueError:
            self.balance += amount
            raise


class AccountTest(unittest.TestCase):
    def setUp(self):
        self.notify = mock.Mock()
        self.account = Account("ann", 100, limit=50, notify=self.notify)

    def test_deposit(self):
        self.account.deposit(25)
        self.assertEqual(self.account.balance, 125)
        for amount in (0, -5):
            with self.subTest(amount=amount), self.assertRaisesRegex(ValueError, "positive"):
                self.account.deposit(amount)

    def test_withdraw_notifies_once(self):
        self.account.withdraw(100)
        self.notify.assert_not_called()
        self.account.withdraw(50)
        self.notify.assert_called_once_with("ann", -50)
        with self.assertRaises(LookupError) as caught:
            self.account.withdraw(1)
        self.assertIn("-50", str(caught.exception))

    def test_transfer_is_atomic(self):
        broken = mock.create_autospec(Account, instance=True)
        broken.deposit.side_effect = ValueError("closed")
        with self.assertRaises(ValueError):
            self.account.transfer(broken, 10)
        self.assertEqual((self.account.balance, broken.deposit.call_args.args), (100, (10,)))

    def test_collections(self):
        self.assertCountEqual([3, 1, 2], {1, 2, 3})
        self.assertAlmostEqual(0.1 + 0.2, 0.3)
        self.assertDictEqual({"a": 1} | {"b": 2}, {"b": 2, "a": 1})
        self.assertIsInstance(self.account, Account)

    @unittest.skip("no printer here")
    def test_print(self):
        self.fail("never runs")

    @unittest.expectedFailure
    def test_known_bug(self):
        self.assertEqual(round(2.675, 2), 2.68)

    def test_wrong_on_purpose(self):
        self.assertEqual([1, 2, 3], [1, 2, 4], "lists differ")

    def test_error_on_purpose(self):
        {}["missing"]


class AsyncTest(unittest.IsolatedAsyncioTestCase):
    async def test_mock(self):
        fetch = mock.AsyncMock(side_effect=["first", OSError("down")])
        self.assertEqual(await fetch(1), "first")
        with self.assertRaises(OSError):
            await fetch(2)
        self.assertEqual(fetch.await_count, 2)


class PatchTest(unittest.TestCase):
    def test_patch(self):
        with mock.patch("builtins.print") as printed, mock.patch.dict("os.environ", {"MODE": "test"}):
            import os

            print("hidden", os.environ["MODE"])
        printed.assert_called_once_with("hidden", "test")
        stdout = io.StringIO()
        with mock.patch("sys.stdout", stdout):
            print("caught")
        self.assertEqual(stdout.getvalue(), "caught\n")
        opener = mock.mock_open(read_data="a\nb\n")
        with mock.patch("builtins.open", opener), open("config") as file:
            self.assertEqual(list(file), ["a\n", "b\n"])


loader = unittest.TestLoader()
suite = unittest.TestSuite(map(loader.loadTestsFromTestCase, (AccountTest, AsyncTest, PatchTest)))
stream = io.StringIO()
result = unittest.TextTestRunner(stream=stream, verbosity=0).run(suite)
print(f"ran {result.testsRun}: {len(result.failures)} failure, {len(result.errors)} error, "
      f"{len(result.skipped)} skipped, {len(result.expectedFailures)} expected failure")
for test, text in result.failures + result.errors:
    print(test.id().split(".", 1)[-1], "->", text.strip().splitlines()[-1])
    print("  source shown:", any("self.assertEqual([1, 2, 3]" in line or '{}["missing"]' in line for line in text.splitlines()))
print("skipped because", result.skipped[0][1], "| ok:", result.wasSuccessful())
print(stream.getvalue().splitlines()[-1])
