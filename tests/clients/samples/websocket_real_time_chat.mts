const ws = new WebSocket(
"wss://api.avatarium.ai/v1/public/avatar/abc12345678/ws"
);
ws.onopen = () => {
ws.send(JSON.stringify({
type: "message",
content: "Hello! Tell me about your product.",
}));
};
ws.onmessage = (event) => {
const data = JSON.parse(event.data);
if (data.type === "chunk") {
// Streamed text chunk
process.stdout.write(data.content);
} else if (data.type === "done") {
// Full response complete
console.log("\nFull response:", data.fullText);
}
};
