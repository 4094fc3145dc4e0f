import { expect, test } from "vitest";
import { useRowmill, useUser } from "../support/use-rowmill.ts";
import { until } from "../support/until.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
test("x", async () => {
  await user.get("/api/v1/books");
  await user.get("/nope");
  await fetch(`${rowmill.url}/%zz`);
  await fetch(`${rowmill.url}/livez`);
  const rows = await until("logged", async () => {
    const { rows } = await rowmill.ctx.pool.query("SELECT *, tableoid::regclass::text AS p FROM rowmill.request_log ORDER BY at");
    return rows.length >= 4 && rows;
  });
  console.log(rows);
});
