/** Whether Rowmill can write into the tables of TARGET_TABLES. */
import type { Config } from "../config/config.ts";
import { plural } from "../platform/plural.ts";
import type { Database } from "../platform/postgres/database.ts";
import { findMissingGrants } from "../targets/tables/access/find-missing-grants.ts";
import { bad, type Finding, good, warning } from "./finding.ts";

const MAX_UNTRUSTED = 5;

/** Does nothing unless TARGET_TABLES is set. */
export async function checkTargetTables(config: Config, db: Database): Promise<Finding[]> {
  const { allowed, role: name } = config.tableTargets;
  if (allowed.length === 0) return [];
  const { role, tables, withoutTable, grants, untrusted } = await findMissingGrants({ config, db });
  const findings: Finding[] = [];
  if (role.statements.length > 0)
    findings.push(
      bad(
        `Rowmill may not use the role ${name}. As an administrator of the database, run: ${role.statements.join("; ")};`,
      ),
    );
  if (role.isPowerful)
    findings.push(
      bad(
        `The role ${name} may do more than write into tables. Set TARGET_ROLE to a role without other rights.`,
      ),
    );
  if (grants.length > 0)
    findings.push(
      warning(
        `The role ${name} may not use all tables of TARGET_TABLES. Run those that it should use: ${grants.join("; ")};`,
      ),
    );
  for (const entry of withoutTable)
    findings.push(warning(`TARGET_TABLES has ${entry}, but the database has no such table.`));
  findings.push(...untrusted.slice(0, MAX_UNTRUSTED).map(({ text }) => bad(`TARGET_TABLES: ${text}`)));
  return findings.length > 0
    ? findings
    : [good(`Targets can write into ${plural(tables.length, "table")} (TARGET_TABLES).`)];
}
