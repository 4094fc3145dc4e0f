import { expect, test } from "vitest";
import { MailServer } from "../support/mail-server.ts";
import { mailOf, newMail } from "../support/mails.ts";
import { startPrograms } from "../support/processes.ts";
import { until } from "../support/until.ts";

test("a worker that is killed after the mail server got a mail leaves it uncertain, and no other worker repeats it", async () => {
  await using server = await new MailServer().start();
  await using rowmill = await startPrograms(server.settings);
  const { ctx } = rowmill;
  server.answerTo("ada@kill.test", "hang after content");
  const id = await newMail(ctx, "ada@kill.test");
  const killed = await rowmill.startWorker();
  await until("the server has the mail", async () => server.mailsTo("ada@kill.test").length === 1);
  await killed.kill();
  server.answerTo("ada@kill.test", null);
  expect(await mailOf(ctx, id)).toMatchObject({ state: "sending", attempts: 1 });
  // The time of the lost attempt is over.
  await ctx.pool.query("UPDATE rowmill.mails SET due_at = now() - interval '1 minute' WHERE id = $1", [id]);
  await rowmill.startWorker();
  await until("the loss is noticed", async () => (await mailOf(ctx, id)).state === "uncertain", 90_000);
  const other = await newMail(ctx, "grace@kill.test");
  await until("other mail is sent", async () => (await mailOf(ctx, other)).state === "sent");
  expect(server.mailsTo("ada@kill.test")).toHaveLength(1);
});
