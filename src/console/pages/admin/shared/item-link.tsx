import type { ReactNode } from "react";
import { LinkTo } from "../../../parts/link.tsx";

interface ItemLinkProps {
  /** The field of the address that has the open item. */
  readonly field: string;
  readonly id: string | number;
  readonly title?: string;
  readonly children: ReactNode;
}

/** Opens an item above its list, and keeps the filter. */
export function ItemLink({ field, id, title, children }: ItemLinkProps) {
  const search = (current: object) => ({ ...current, [field]: id });
  return (
    <LinkTo to="." search={search as never} title={title ?? ""}>
      {children}
    </LinkTo>
  );
}
