// The quick start: untrusted code that awaits two functions of the host at once, a session, a limit, a snapshot.

import { setTimeout as sleep } from "node:timers/promises";

import { Session, TimeoutError } from "eryx";

const PRICES = { ACME: 12.5, INITECH: 7.25 };

/** The price of a symbol, from a service that takes a while to answer. */
async function getPrice({ symbol }) {
  await sleep(50);
  return PRICES[symbol];
}

const GATHER = `
import asyncio
acme, initech = await asyncio.gather(get_price("ACME"), get_price("INITECH"))
print(f"ACME {acme}, INITECH {initech}")
`;

// The order of the schema's properties is that of positional arguments.
const schema = { type: "object", properties: { symbol: { type: "string" } }, required: ["symbol"] };
const session = new Session({
  callbacks: { get_price: { fn: getPrice, description: "The price of a symbol.", schema } },
  resourceLimits: { executionTimeoutMs: 1000 },
});

async function show(where, code) {
  process.stdout.write((await where.execute(code)).stdoutText);
}

await show(session, GATHER);
await show(session, 'print("the session remembers:", acme + initech)');
try {
  await session.execute("while True: pass");
} catch (error) {
  if (!(error instanceof TimeoutError)) throw error;
  console.log(`${error.code}: ${error.message}`);
}
await show(session, 'print("and lives on:", acme)');

const image = await session.snapshot();
await session.close();
const restored = new Session({ image });
await show(restored, 'print("restored:", acme + initech)');
await restored.close();
