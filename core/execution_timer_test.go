package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/eryx-go/eryx/core"
)

// The timer of an execution is not set anew for each wait. These programs wait for long and for short times in turn; were
// one forgotten, they would not end.
func TestTimersAfterManyCallbacks(t *testing.T) {
	hold := core.Callback{Name: "hold", Start: func(*core.Call) {}}
	brief := core.Callback{Name: "brief", Timeout: 20 * time.Millisecond, Start: func(*core.Call) {}}
	for _, c := range []struct{ name, code, want string }{
		{"a sleep that is shorter than a deadline before", `
import asyncio
for i in range(20):
    await echo(x=i)
    await asyncio.sleep(0.001)
print("end")`, "end"},
		{"shorter and shorter", `
import asyncio
late = 0
for seconds in (0.02, 0.01, 0.005, 0.002):
    await echo(x=1)
    try:
        await asyncio.wait_for(hold(), seconds)
    except TimeoutError:
        late += 1
print(late)`, "4"},
		{"many timers at once", `
import asyncio
async def one(i):
    await asyncio.sleep(0.001 * (i % 7))
    return await echo(x=i)
print(sum(await asyncio.gather(*[one(i) for i in range(100)])))`, "4950"},
		{"a callback's own timeout", `
for i in range(20):
    await echo(x=i)
try:
    await brief()
except CallbackError as error:
    print(error.code)`, "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) { expectOutput(t, c.code, c.want, echoCallback(), hold, brief) })
	}
}

// TestTimeoutAfterManyCallbacks is that an execution's own time passes while it waits, and while it never waits for long.
func TestTimeoutAfterManyCallbacks(t *testing.T) {
	hold := core.Callback{Name: "hold", Timeout: core.Unlimited, Start: func(*core.Call) {}}
	for _, code := range []string{
		"for i in range(50):\n    await echo(x=i)\nawait hold()",
		"while True:\n    await echo(x=1)",
		"import asyncio\nwhile True:\n    await asyncio.sleep(0.001)",
	} {
		s := newSession(t, core.Config{Callbacks: []core.Callback{echoCallback(), hold},
			Limits: core.Limits{ExecutionTimeout: 200 * time.Millisecond, MaxCallbackInvocations: core.Unlimited}})
		result, err := s.Execute(context.Background(), code)
		if core.ErrorCode(err) != core.CodeTimeout {
			t.Errorf("%s: %v, %v", code, result, err)
		}
		if _, err := s.Execute(context.Background(), "print(await echo(x=1))"); err != nil {
			t.Errorf("%s: the session afterwards: %v", code, err)
		}
	}
}
