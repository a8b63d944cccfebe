// One stage of a dialogue in Node, over the package's WebSocket transport. Prints one line of JSON.
//
//   node agents_node.mjs STAGE '{"url", "key", "story", "voices": {name: file of 24 kHz mono PCM16}}'

import { readFileSync } from 'node:fs';
import * as sdk from '@openai/agents-realtime';
import { z } from 'zod';
import { Dialogue, stages } from './dialogue.mjs';

const [stage, given] = process.argv.slice(2);
const { url, key, story, voices } = JSON.parse(given);
const PIECE_MS = 40;
const PIECE = 24 * 2 * PIECE_MS; // bytes

const transport = new sdk.OpenAIRealtimeWebSocket({
  url: `${url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime`,
});

// A microphone is never off: silence goes out while nothing is said.
const spoken = [];
const say = (name) => {
  const pcm = readFileSync(voices[name]);
  for (let at = 0; at + PIECE <= pcm.length; at += PIECE) spoken.push(pcm.subarray(at, at + PIECE));
};
const silence = Buffer.alloc(PIECE);
const began = Date.now();
let sent = 0;
const microphone = () => {
  for (; sent * PIECE_MS < Date.now() - began; sent += 1) {
    const piece = spoken.shift() ?? silence;
    dialogue.session.sendAudio(new Uint8Array(piece).buffer);
  }
};

const calls = [];
const lights = sdk.tool({
  name: 'set_lights',
  description: 'Switch the lights on or off.',
  parameters: z.object({ state: z.enum(['on', 'off']) }),
  execute: async (input) => {
    calls.push(input);
    return `the lights are ${input.state}`;
  },
});
let audioBytes = 0;
let loudest = 0;
const dialogue = new Dialogue(sdk, { transport, say, tools: stage === 'tool' ? [lights] : [] });
dialogue.session.on('audio', ({ data }) => {
  audioBytes += data.byteLength;
  for (const sample of new Int16Array(data)) loudest = Math.max(loudest, Math.abs(sample));
});

await dialogue.session.connect({ apiKey: key });
const ticking = setInterval(microphone, PIECE_MS / 2);
try {
  const found = await stages[stage](dialogue, story);
  console.log(JSON.stringify(await dialogue.report({ ...found, calls, audioBytes, loudest })));
} finally {
  clearInterval(ticking);
  dialogue.session.close();
}
