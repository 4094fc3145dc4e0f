/**
 * Roles of the parts of a grid. Elements of a table cannot leave rows and columns out, and these say which ones they are. The
 * grid itself has the focus.
 */
export const asRow = (index: number) => ({ role: "row", "aria-rowindex": index }) as const;

export const asCell = (role: "gridcell" | "columnheader" | "rowheader", index: number) =>
  ({ role, "aria-colindex": index }) as const;
