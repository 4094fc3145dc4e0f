/** Requests that change all things that match a filter. */
import Type from "typebox";

export const Expect = Type.Optional(
  Type.Integer({
    minimum: 0,
    description:
      "The `matched` of an earlier request without `expect`. Absent: the request only counts and changes nothing.",
    examples: [12],
  }),
);

/** The answer of requests that change many things. */
export const ChangedView = Type.Object(
  {
    matched: Type.Integer({ description: "The number of matches.", examples: [12] }),
    changed: Type.Integer({
      description: "The number of changes: 0 without `expect`, below `matched` if it took over a minute.",
      examples: [12],
    }),
  },
  { description: "The numbers of matches and changes." },
);
