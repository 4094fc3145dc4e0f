import { Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import "./tile.css";

interface TileProps {
  readonly label: string;
  readonly value: string;
  readonly hint: string;
  readonly isBad?: boolean;
  /** The list behind the number. */
  readonly to?: string;
  readonly search?: object;
}

export function Tile({ label, value, hint, isBad = false, to, search }: TileProps) {
  const content = (
    <Stack gap={2}>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fz={22} fw={650} lh={1.2} {...(isBad ? { c: "var(--rowmill-failed)" } : {})}>
        {value}
      </Text>
      <Text size="xs" c="dimmed" truncate title={hint}>
        {hint}
      </Text>
    </Stack>
  );
  return to ? (
    <Link to={to as "/"} search={search as never} className="panel tile">
      {content}
    </Link>
  ) : (
    <div className="panel tile">{content}</div>
  );
}
