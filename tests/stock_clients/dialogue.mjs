// What the tests do with @openai/agents-realtime, over either of its transports, in Node and in Chromium.
// Each stage returns what the client knows afterwards; test_agents_*.py say what it should be.

const PATIENCE = 40_000; // ms for one step, on a machine that is busy with other tests

/** A session of the package's, every event that its transport has seen, and waiting for them. */
export class Dialogue {
  constructor(sdk, { transport, say, tools = [], config = {} }) {
    this.sdk = sdk;
    this.say = say;
    this.events = [];
    this.errors = [];
    this.interruptions = 0;
    this.waiting = new Set();
    this.agent = new sdk.RealtimeAgent({ name: 'Tester', instructions: 'Be brief.', tools });
    this.session = new sdk.RealtimeSession(this.agent, { transport, config });
    this.session.on('transport_event', (event) => {
      this.events.push(event);
      this.look();
    });
    this.session.on('history_updated', () => this.look());
    this.session.on('audio_interrupted', () => {
      this.interruptions += 1;
      this.look();
    });
    this.session.on('error', (error) => {
      this.errors.push(describe(error));
      this.look();
    });
  }

  look() {
    for (const one of this.waiting) one();
  }

  /** Waits until `found()` is truthy, which is asked whenever something has happened. */
  until(what, found) {
    return new Promise((resolve, reject) => {
      const give = (settle, value) => {
        clearTimeout(timer);
        this.waiting.delete(look);
        settle(value);
      };
      const fail = () => {
        const seen = this.events.map((event) => event.type).join(' ');
        give(reject, new Error(`waited in vain for ${what}; errors: ${this.errors}; events: ${seen}`));
      };
      const look = () => {
        const value = found();
        if (value) give(resolve, value);
      };
      const timer = setTimeout(fail, PATIENCE);
      this.waiting.add(look);
      look();
    });
  }

  /** The first event of a type, from the `from`th event on. */
  event(type, from = 0, fits = () => true) {
    const found = () => this.events.slice(from).find((event) => event.type === type && fits(event));
    return this.until(type, found);
  }

  /** Waits until the assistant has said this word; returns the event with it. */
  told(word) {
    return this.event('response.output_audio_transcript.delta', 0, ({ delta }) => delta.includes(word));
  }

  /** Waits for an answer that was not broken off. */
  answer(from) {
    const whole = ({ response }) => response.status === 'completed' && words(response);
    return this.event('response.done', from, whole);
  }

  /** Waits until the package's history has a message of this role that says something like `pattern`. */
  remembered(role, pattern) {
    return this.until(`${role} /${pattern.source}/ in the history`, () =>
      this.session.history.find((item) => item.role === role && pattern.test(transcript(item))),
    );
  }

  count(type) {
    return this.events.filter((event) => event.type === type).length;
  }

  /** What the client knows, once every response has come to its end. */
  async report(more) {
    const count = (type) => this.count(type);
    await this.until('the end of every response', () => count('response.created') === count('response.done'));
    return {
      errors: this.errors,
      interruptions: this.interruptions,
      created: count('response.created'),
      done: count('response.done'),
      history: this.session.history.map((item) => ({ ...item, text: item.content && transcript(item) })),
      ...more,
    };
  }
}

function describe(error) {
  const inner = error?.error ?? error;
  return inner instanceof Error ? String(inner) : JSON.stringify(inner);
}

function transcript(item) {
  return (item.content ?? []).map((part) => part.transcript ?? part.text ?? '').join('');
}

function words(response) {
  return response.output.map(transcript).join(' ').trim();
}

export const stages = {
  /** A question is heard and answered. */
  async voice(dialogue) {
    await dialogue.say('question');
    const heard = await dialogue.event('conversation.item.input_audio_transcription.completed');
    const done = await dialogue.answer(0);
    await dialogue.remembered('user', /twelve/);
    await dialogue.remembered('assistant', /108/);
    return { heard: heard.transcript, said: words(done.response), usage: done.response.usage };
  },

  /** A request that only the client's own function can serve. */
  async tool(dialogue) {
    await dialogue.say('request');
    const output = await dialogue.event(
      'conversation.item.added',
      0,
      ({ item }) => item.type === 'function_call_output',
    );
    const done = await dialogue.answer(dialogue.events.indexOf(output));
    return { said: words(done.response) };
  },

  /** The person speaks while the assistant tells something long. */
  async interruption(dialogue, story) {
    dialogue.session.sendMessage(`say ${story}`);
    const first = await dialogue.told('house');
    await dialogue.say('question');
    const started = await dialogue.event('input_audio_buffer.speech_started');
    const truncated = await dialogue.event(
      'conversation.item.truncated',
      dialogue.events.indexOf(started),
      (event) => event.item_id === first.item_id,
    );
    const cut = await dialogue.event('response.done', 0, ({ response }) => response.id === first.response_id);
    const done = await dialogue.answer(dialogue.events.indexOf(cut) + 1);
    await dialogue.remembered('assistant', /108/);
    const kept = () => dialogue.events.findLast((event) => event.type === 'conversation.item.retrieved'
      && event.item.id === first.item_id);
    const item = await dialogue.until('the item that was cut', kept);
    return {
      status: cut.response.status,
      reason: cut.response.status_details?.reason,
      truncatedMs: truncated.audio_end_ms,
      kept: transcript(item.item),
      said: words(done.response),
    };
  },

  /** The button that most applications have. */
  async button(dialogue, story) {
    dialogue.session.sendMessage(`say ${story}`);
    const first = await dialogue.told('house');
    dialogue.session.interrupt();
    const cut = await dialogue.event('response.done', 0, ({ response }) => response.id === first.response_id);
    const at = dialogue.events.length;
    dialogue.session.sendMessage("what's twelve times nine");
    const done = await dialogue.answer(at);
    return { status: cut.response.status, said: words(done.response) };
  },

  /** Music is a response of its own; the person speaks over it, and the client cuts that as any other. */
  async music(dialogue) {
    dialogue.session.sendMessage('play a calm piano piece');
    const alone = await dialogue.event('audiogpt.activity', 0, ({ state }) => state === 'playing');
    const at = dialogue.events.indexOf(alone);
    await dialogue.event('response.output_audio.delta', at);
    await dialogue.say('question');
    await dialogue.event('input_audio_buffer.speech_started', at);
    await dialogue.remembered('assistant', /108/);
    dialogue.session.sendMessage('stop the music');
    return {};
  },

  /** Other instructions, another voice and other turn detection, during the call. */
  async update(dialogue) {
    const from = dialogue.events.length;
    dialogue.session.transport.updateSessionConfig({
      instructions: 'Speak like a captain.',
      audio: {
        input: { turnDetection: { type: 'server_vad', threshold: 0.6, silenceDurationMs: 700 } },
        output: { voice: 'rms', speed: 1.2 },
      },
    });
    const updated = await dialogue.event(
      'session.updated',
      from,
      ({ session }) => session.instructions === 'Speak like a captain.',
    );
    const at = dialogue.events.length;
    dialogue.session.sendMessage("what's twelve times nine");
    const done = await dialogue.answer(at);
    return { session: updated.session, said: words(done.response) };
  },
};
