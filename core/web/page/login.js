/** The sign-in form: it works without this file, too; with it a wrong token is told in place. */
const form = document.getElementById("sign");
const wrong = document.getElementById("wrong");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.textContent = "";
  const token = document.getElementById("token");
  try {
    const answer = await fetch("/login", {
      method: "POST", redirect: "manual", credentials: "same-origin",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ token: token.value }),
    });
    if (answer.type === "opaqueredirect" || answer.ok) {
      location.replace("/" + location.hash);
      return;
    }
    wrong.textContent = answer.status === 429 ? "Too many attempts. Wait a little, then try again."
      : answer.status === 401 || answer.status === 403 ? "That is not the token." : `The server answered ${answer.status}.`;
  } catch {
    wrong.textContent = "tagline does not answer. Does it run, and is the network there?";
  }
  token.select();
});
