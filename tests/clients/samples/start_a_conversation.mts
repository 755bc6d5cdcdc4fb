// 1. Start a session
const session = await fetch(
"https://api.avatarium.ai/v1/public/avatar/abc12345678/session",
{
method: "POST",
headers: { "Content-Type": "application/json" },
body: JSON.stringify({
visitorName: "John",
source: "embed",
}),
}
).then(r => r.json());
const { sessionId, greeting } = session.data;
// 2. Send messages
const history: { role: string; content: string }[] = [];
history.push({ role: "assistant", content: greeting });
async function sendMessage(message: string) {
history.push({ role: "user", content: message });
const res = await fetch(
"https://api.avatarium.ai/v1/public/avatar/abc12345678/chat",
{
method: "POST",
headers: { "Content-Type": "application/json" },
body: JSON.stringify({ sessionId, message, history }),
}
).then(r => r.json());
history.push({ role: "assistant", content: res.data.ttsText });
return res.data;
}
const reply = await sendMessage("What are your pricing plans?");
console.log(reply.ttsText);
console.log("Latency:", reply.latency.total, "ms");
