import { LinkTo } from "./link.tsx";

/** The id of the owner of something, with a link to the account. */
export function Owner({ id }: { readonly id: number }) {
  return (
    <LinkTo to="/admin/users" search={{ user: id }} size="sm">
      #{id}
    </LinkTo>
  );
}
