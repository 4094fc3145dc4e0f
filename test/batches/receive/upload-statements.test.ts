/** The statements that the API sends while it accepts a small file: many small files cost mainly statements. */
import { expect, test } from "vitest";
import { csv } from "../../support/book-files.ts";
import { recordStatements } from "../../support/record-statements.ts";
import { uploadForm } from "../../support/upload-form.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();

test.for<[string, Record<string, string>]>([
  ["an ordinary upload", {}],
  ["a forced upload, which searches for no earlier batch", { force: "true" }],
  ["an atomic upload", { policy: "atomic" }],
])(
  "%s locks its user once, and reads, removes and updates nothing that a new batch cannot have",
  async ([_, query]) => {
    const user = await rowmill.newUser();
    // The quotas are counted once; later uploads use the allowance.
    await uploadForm(user, csv(40), { query });
    const sent = recordStatements();
    const { status } = await uploadForm(user, csv(60), { query });
    expect(status).toBe(202);
    const all = [...sent.values()].flat();
    expect(all.filter((text) => text.includes("INSERT INTO rowmill.chunks"))).toHaveLength(1);
    expect(
      all.filter((text) => /^select id from rowmill.users .* for no key update$/i.test(text)),
    ).toHaveLength(1);
    expect(all.filter((text) => /DELETE FROM|UPDATE rowmill.chunks/.test(text))).toEqual([]);
    expect(all.filter((text) => text.includes("FROM rowmill.chunks"))).toEqual([]);
    const empty = [...sent.values()].flatMap((texts) =>
      texts.filter((text, index) => /^begin/i.test(text) && /^commit/i.test(texts[index + 1] ?? "")),
    );
    expect(empty).toEqual([]);
  },
);
