import { client } from "../api/client.ts";
import { showFailure } from "./feedback.tsx";

/** Lets the browser save an answer of the API. The request before it renews a session that has expired. */
export function saveFile(url: string, name = ""): void {
  client.get("/api/v1/auth/me").then(() => {
    const link = document.createElement("a");
    link.href = url;
    // Without a name, the header of the answer has it.
    link.download = name;
    link.click();
  }, showFailure);
}
