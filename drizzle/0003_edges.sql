-- Composes titles and authors (NFC), whose key is then the same however their letters were typed. A book whose key
-- another book holds becomes a copy, which has no key.
WITH composed AS MATERIALIZED (
  SELECT id, user_id, normalize(title) AS title, normalize(author) AS author,
    md5(lower(normalize(title)) || chr(31) || lower(normalize(author)))::uuid AS key
  FROM rowmill.books
  WHERE getdatabaseencoding() = 'UTF8' AND (title IS NOT NORMALIZED OR author IS NOT NORMALIZED)
), ranked AS (
  SELECT composed.*, row_number() OVER (PARTITION BY composed.user_id, composed.key ORDER BY is_copy, id) AS nth
  FROM composed JOIN rowmill.books USING (id)
)
UPDATE rowmill.books SET title = ranked.title, author = ranked.author,
  is_copy = is_copy OR nth > 1 OR EXISTS (
    SELECT FROM rowmill.books AS holder WHERE holder.user_id = ranked.user_id AND holder.key = ranked.key
  )
FROM ranked WHERE books.id = ranked.id;
