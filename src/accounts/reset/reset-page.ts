/** The page behind the link of a password reset. The token is in the fragment of the link, which browsers send to nobody. */
import { html } from "../../platform/html.ts";

export const RESET_TITLE = "Choose a new password";

export const RESET_CONTENT = html`<form id="form">
<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" maxlength="1024" required>
<button>Set the password</button>
</form>
<p id="message" role="status"><noscript>This page needs JavaScript. Without it, send the part of the link after # as
<code>token</code> to POST /api/v1/auth/password-reset/confirm.</noscript></p>
<p id="next" hidden><a href="/sign-in">Sign in</a></p>`;

export const RESET_SCRIPT = `
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const form = document.getElementById("form");
const message = document.getElementById("message");
if (!token) {
  form.hidden = true;
  message.textContent = "This link is incomplete. Copy the whole link of the mail.";
}
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  message.textContent = "";
  const body = JSON.stringify({ token, new_password: document.getElementById("password").value });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/api/v1/auth/password-reset/confirm", { method: "POST", headers, body });
    if (answer.ok) form.hidden = true;
    document.getElementById("next").hidden = !answer.ok;
    message.textContent = answer.ok
      ? "Your password is set. All your sessions and API tokens have ended. Log in with the new password."
      : (await answer.json()).detail;
  } catch {
    message.textContent = "Rowmill does not answer. Try again.";
  }
});
`;
