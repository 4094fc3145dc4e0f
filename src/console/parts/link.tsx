import { Anchor, Button } from "@mantine/core";
import { createLink } from "@tanstack/react-router";

/** A link to another page of the console. */
export const LinkTo = createLink(Anchor<"a">);

/** A link that looks like a button. */
export const ButtonTo = createLink(Button<"a">);
