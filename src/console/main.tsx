/** The console: one program in the browser, on top of the public API. */
import "./app/mantine-styles.ts";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queryClient } from "./api/queries.ts";
import { router } from "./app/router.tsx";
import { cssVariables, theme } from "./app/theme.ts";

/** The Content-Security-Policy allows only styles with this value. */
const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
setNonce(nonce);

/** Hosts of two versions behind one address could otherwise lead to reloads without end. */
const RELOAD_MS = 60_000;
const RELOADED_AT = "rowmill-reloaded-at";

// After an upgrade, pages of the old version are gone. The page of the new one knows its own.
// Without a server, a reload would lose the page that is open.
addEventListener("vite:preloadError", () => {
  if (Date.now() - Number(sessionStorage.getItem(RELOADED_AT) ?? 0) < RELOAD_MS) return;
  void fetch("/livez").then(
    ({ ok }) => {
      if (!ok) return;
      sessionStorage.setItem(RELOADED_AT, String(Date.now()));
      location.reload();
    },
    () => undefined,
  );
});

const root = document.getElementById("root");
if (!root) throw new Error("The page has no element #root.");
createRoot(root).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
