import { type CSSVariablesResolver, createTheme, type MantineTheme } from "@mantine/core";
import { words } from "../words/common.ts";

/** Shades with which white text and text on light tints have a contrast of at least 4.5. */
export const theme = createTheme({
  primaryColor: "indigo",
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily: 'Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace',
  headings: {
    fontWeight: "650",
    sizes: {
      h1: { fontSize: "1.375rem", lineHeight: "1.3" },
      h2: { fontSize: "1.0625rem", lineHeight: "1.4" },
    },
  },
  // Not `Modal.extend()`, which would put the component into the first page.
  components: {
    Modal: {
      defaultProps: { closeButtonProps: { "aria-label": words.close }, centered: true },
    },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": words.close } } },
    PasswordInput: {
      defaultProps: { visibilityToggleButtonProps: { "aria-label": words.showPassword } },
    },
  },
});

const TINTED = ["red", "orange", "yellow", "green", "teal", "blue", "indigo", "grape", "gray"] as const;

/** Mantine's own values of these variables have too little contrast for small text. */
export const cssVariables: CSSVariablesResolver = ({ colors }: MantineTheme) => {
  const shade = (name: "gray" | "dark", index: number): string => colors[name][index] ?? "";
  return {
    variables: {},
    light: {
      "--mantine-color-dimmed": shade("gray", 7),
      "--mantine-color-placeholder": shade("gray", 7),
      "--mantine-color-teal-light-color": "#05543c",
      "--mantine-color-green-light-color": "#1b5e2a",
      "--mantine-color-red-light-color": "#8f1d1d",
      "--mantine-color-orange-light-color": "#7a3600",
      "--mantine-color-yellow-light-color": "#6b4300",
      "--mantine-color-blue-light-color": "#0b4a86",
      "--mantine-color-indigo-light-color": "#29399b",
      "--mantine-color-grape-light-color": "#6b1f80",
      "--mantine-color-gray-light-color": "#343a40",
      "--mantine-color-error": "#c92a2a",
      "--rowmill-page": "#f8f9fb",
      "--rowmill-line": shade("gray", 3),
      "--rowmill-success": "#2b8a3e",
      "--rowmill-failed": "#c92a2a",
      "--rowmill-running": "#3b5bdb",
      "--rowmill-waiting": "#868e96",
      "--rowmill-undone": "#9c36b5",
    },
    dark: {
      // Mantine's tints are as bright as buttons, which is too much for whole panels.
      ...Object.fromEntries(
        TINTED.map((name) => [
          `--mantine-color-${name}-light`,
          `color-mix(in srgb, ${colors[name][6]} 18%, transparent)`,
        ]),
      ),
      "--mantine-color-dimmed": shade("dark", 1),
      "--mantine-color-placeholder": shade("dark", 1),
      "--mantine-color-anchor": colors.indigo[3],
      "--mantine-color-red-light-color": "#ffc9c9",
      "--mantine-color-teal-light-color": "#96f2d7",
      "--mantine-color-green-light-color": "#b2f2bb",
      "--mantine-color-orange-light-color": "#ffd8a8",
      "--mantine-color-yellow-light-color": "#ffec99",
      "--mantine-color-blue-light-color": "#a5d8ff",
      "--mantine-color-indigo-light-color": "#bac8ff",
      "--mantine-color-grape-light-color": "#eebefa",
      "--mantine-color-gray-light-color": "#dee2e6",
      "--mantine-color-error": "#ff8787",
      "--rowmill-page": shade("dark", 8),
      "--rowmill-line": shade("dark", 4),
      "--rowmill-success": "#51cf66",
      "--rowmill-failed": "#ff8787",
      "--rowmill-running": "#748ffc",
      "--rowmill-waiting": "#909296",
      "--rowmill-undone": "#da77f2",
    },
  };
};
