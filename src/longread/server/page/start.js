// Starting a run, with the user's consent where one is needed.

import { post } from "./api.js";
import { confirm } from "./dialogs.js";

/**
 * Starts or resumes a run and shows it, unless the user does not agree to what it would send.
 * @param {object} body what `POST /api/runs` takes
 * @throws {import("./api.js").ApiError}
 */
export async function start(body) {
  let answer;
  try {
    answer = await post("/api/runs", { ...body, agreed: false });
  } catch (error) {
    if (error.code !== "consent_required") throw error;
    const question = {
      title: "Send your documents to a model elsewhere?",
      text: error.message,
      yes: "Agree and read",
    };
    if (!(await confirm(question))) return;
    answer = await post("/api/runs", { ...body, agreed: true });
  }
  location.hash = `#/live/${answer.ticket}`;
}
