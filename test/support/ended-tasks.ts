/** Tasks that have ended, made by SQL, for lists that are too long for one answer of a search. */
import type pg from "pg";

/** Longer than the text that one answer of a search looks at. */
const LONG = 4_200_000;

/** Creates tasks, the first as the oldest. A task without a title has a description of 4.2 MB: one answer of a search looks at one of these. */
export async function addEndedTasks(
  pool: pg.Pool,
  userId: number,
  titles: readonly (string | null)[],
): Promise<void> {
  await pool.query(
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, title, description, status, progress, params, max_retries, job_id, tags,
       metadata, created_at, started_at, completed_at)
     SELECT gen_random_uuid(), $1, 'generic', 'default', coalesce(title, 'Long'),
       CASE WHEN title IS NULL THEN repeat('hay ', ${LONG / 4}) ELSE '' END, 'completed', 100,
       '{}', 3, gen_random_uuid(), '{}', '{}', moment, moment, moment
     FROM (
       SELECT title, n, now() - interval '1 day' + n * interval '1 second' AS moment
       FROM unnest($2::text[]) WITH ORDINALITY AS given (title, n)
     ) AS item ORDER BY n`,
    [userId, titles],
  );
}

/** Titles of short tasks. */
export const short = (count: number): string[] => Array.from({ length: count }, (_, n) => `Hay ${n}`);

/** Titles of long tasks. */
export const long = (count: number): null[] => Array.from({ length: count }, () => null);
