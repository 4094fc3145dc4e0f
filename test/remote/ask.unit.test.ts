import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { main } from "../../src/remote/main.ts";

const BACKSPACE = "\x7f";
const CTRL_C = "\x03";
const CTRL_D = "\x04";

/** Types the answers to the questions, each when it is asked. */
async function logIn(answers: Readonly<Record<string, string>>) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: vi.fn() });
  let shown = "";
  const asked = Object.entries(answers);
  const stderr = new PassThrough().setEncoding("utf8").on("data", (text: string) => {
    shown += text;
    const [question, answer] = asked[0] ?? ["", ""];
    if (question === "" || !shown.includes(`${question}: `)) return;
    asked.shift();
    setImmediate(() => stdin.write(answer));
  });
  using post = vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("down"));
  const terminal = {
    env: {},
    stdin,
    stdout: new PassThrough(),
    stderr,
    interrupted: new AbortController().signal,
  };
  const code = await main(["login", "http://127.0.0.1:1"], terminal, "1.2.3");
  const sent = post.mock.calls.map(([, request]) => JSON.parse(String(request?.body)));
  return { code, shown, sent: sent[0], isRaw: stdin.setRawMode.mock.lastCall?.[0] };
}

test("a password is typed without an echo, and backspace corrects it", async () => {
  const { code, shown, sent, isRaw } = await logIn({
    Username: "ada\r",
    Password: `secrex${BACKSPACE}t${CTRL_D} word\r`,
  });
  expect(sent).toEqual({ username: "ada", password: "secret word" });
  expect(shown).toContain("Username: ");
  expect(shown).toMatch(/Password: \nrowmill: http:\/\/127\.0\.0\.1:1 cannot be reached: down/);
  expect({ code, isRaw }).toEqual({ code: 1, isRaw: false });
});

test.each([
  ["Ctrl-C at the name", { Username: CTRL_C }, 130, /Username: [^\n]*\n$/],
  ["Ctrl-C in the password", { Username: "ada\r", Password: `secret${CTRL_C}` }, 130, /Password: \n$/],
  [
    "Ctrl-D at the name",
    { Username: CTRL_D },
    1,
    /\nrowmill: Username: the input ended without an answer\.\n$/,
  ],
  [
    "Ctrl-D at the password",
    { Username: "ada\r", Password: CTRL_D },
    1,
    /\nrowmill: Password: the input ended without an answer\.\n$/,
  ],
])("%s ends the login, and gives the terminal back", async (_key, answers, code, shown) => {
  const ended = await logIn(answers);
  expect(ended).toMatchObject({ code, shown: expect.stringMatching(shown), sent: undefined, isRaw: false });
});
