/** The sign-in form: it works without this file, too; with it a wrong token is told in place. */
const form = document.getElementById("sign"), wrong = document.getElementById("wrong"), token = document.getElementById("token");
const WORDS = { 401: "That is not the token.", 429: "Too many wrong tokens came from this address. Try again in some seconds." };

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.textContent = "";
  try {
    const answer = await fetch("/login", { method: "POST", redirect: "manual", body: new URLSearchParams({ token: token.value }) });
    if (answer.type === "opaqueredirect" || answer.ok) return location.replace("/" + location.hash);
    wrong.textContent = WORDS[answer.status] ?? `The server answered ${answer.status}. Try again later.`;
  } catch {
    wrong.textContent = "tagline does not answer. Does it run, and is the network there?";
  }
  token.select();
});
