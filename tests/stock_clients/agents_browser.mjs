// One stage of a dialogue in a browser, over the package's WebRTC transport: its own bundle, its own
// microphone and its own audio element. The microphone is Chromium's, and says by itself what the test gave it to say.

import * as sdk from './node_modules/@openai/agents-realtime/dist/bundle/openai-realtime-agents.mjs';
import { Dialogue, stages } from './dialogue.mjs';

/** The energy of the audio that the peer connection has received so far. */
async function received(transport) {
  let energy = 0;
  const stats = await transport.connectionState.peerConnection.getStats();
  stats.forEach((entry) => {
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') energy += entry.totalAudioEnergy;
  });
  return energy;
}

window.play = async (stage, { url, key, story }) => {
  const calls = [];
  const lights = sdk.tool({
    name: 'set_lights',
    description: 'Switch the lights on or off.',
    parameters: {
      type: 'object',
      properties: { state: { type: 'string', enum: ['on', 'off'] } },
      required: ['state'],
      additionalProperties: false,
    },
    strict: true,
    execute: async (input) => {
      calls.push(input);
      return `the lights are ${input.state}`;
    },
  });
  const transport = new sdk.OpenAIRealtimeWebRTC({ baseUrl: `${url}/v1/realtime/calls` });
  const dialogue = new Dialogue(sdk, { transport, say: () => {}, tools: stage === 'tool' ? [lights] : [] });
  const energy = [];
  const measure = async () => energy.push(await received(transport));
  const louder = async () => {
    // Statistics have no events: they are asked until they have risen.
    await measure();
    while (energy.at(-1) <= energy[0] + 1e-6) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      await measure();
    }
  };
  try {
    await dialogue.session.connect({ apiKey: key });
    const callId = transport.callId;
    const sounding = dialogue.event('output_audio_buffer.started').then(louder);
    const found = await stages[stage](dialogue, story);
    await sounding;
    return await dialogue.report({ ...found, calls, energy, callId });
  } finally {
    dialogue.session.close();
  }
};
