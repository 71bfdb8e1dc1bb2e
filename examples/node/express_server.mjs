// A web service that runs its users' Python: POST /run with the code as text. Each user has an allowance of money that the code
// can look at and spend, through two host functions, and nothing else of the host's.
//
//   npm install && node express_server.mjs     (PORT: default 3000)
//   curl -d 'print(await balance(), await pay(amount=5), await balance())' -H 'Content-Type: text/plain' -H 'X-User: ann' localhost:3000/run

import { pathToFileURL } from "node:url";

import { EryxError, SandboxPool } from "eryx";
import express from "express";

/** The host's own data: what a database would hold. */
const balances = new Map([
  ["ann", 100],
  ["bob", 3],
]);

/** The functions that a user's code can await. Who the user is was decided by the host, not by the code. */
function functionsOf(user) {
  return {
    balance: async () => balances.get(user) ?? 0,
    pay: async ({ amount }) => {
      if (!(Number.isFinite(amount) && amount > 0)) throw new RangeError("the amount must be above 0");
      const left = (balances.get(user) ?? 0) - amount;
      if (left < 0) throw new RangeError("not enough money");
      balances.set(user, left);
      return `paid ${amount}`;
    },
  };
}

/** The application; `close` frees its sandboxes. */
export function createApplication() {
  const pool = new SandboxPool({
    maxSize: 8,
    minIdle: 2,
    acquireTimeoutMs: 2_000,
    resourceLimits: { executionTimeoutMs: 1_000, maxMemoryBytes: 64 << 20, maxOutputBytes: 100_000 },
  });
  const application = express();
  application.use(express.text({ limit: "100kb" }));

  application.post("/run", async (request, response) => {
    const gone = new AbortController(); // a client that hangs up needs no answer
    response.on("close", () => gone.abort());
    const user = request.get("X-User") ?? "nobody";
    const sandbox = await pool.acquire({ callbacks: functionsOf(user), signal: gone.signal });
    try {
      const result = await sandbox.execute(String(request.body), { signal: gone.signal });
      response.json({ stdout: result.stdoutText, duration_ms: result.durationMs });
    } finally {
      await sandbox.release();
    }
  });

  application.use((error, _request, response, next) => {
    if (!(error instanceof EryxError) || response.headersSent) return next(error);
    const status = error.code === "pool_timeout" ? 503 : 422;
    const stdout = Buffer.from(error.stdout).toString();
    response.status(status).json({ error: error.code, message: error.message, traceback: error.traceback, stdout });
  });
  return { application, close: () => pool.close() };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const port = Number(process.env.PORT ?? 3000);
  createApplication().application.listen(port, () => console.log(`http://localhost:${port}`));
}
