const response = await fetch("https://api.avatarium.ai/v1/consumer-avatars", {
method: "POST",
headers: {
"Content-Type": "application/json",
"Authorization": `Bearer ${firebaseIdToken}`,
},
body: JSON.stringify({
slug: "support-bot",
name: "Support Assistant",
avatarModelUrl: "https://cdn.avatarium.ai/models/support-bot.glb",
personality: "Helpful, patient, knowledgeable about our products",
greeting: "Hi there! How can I help you today?",
aiProvider: "groq",
ttsProvider: "elevenlabs",
voiceGender: "female",
isPublic: true,
}),
});
const { data } = await response.json();
console.log("Avatar URL:", data.url);
// => https://avatarium.ai/a/abc12345678
