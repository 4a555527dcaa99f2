// Calls a model in every way that the receiver must support: node scenes.mjs MAJOR MODEL RECEIVER
// with the major version of the AI SDK and two addresses. The function id of each call is the
// name of its scene.
import { createRequire } from 'node:module';
import { trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';

const [major, modelUrl, receiver] = process.argv.slice(2);
const { PostHogTraceExporter } = createRequire(import.meta.url)('@posthog/ai/otel');
const [ai, { createOpenAICompatible }] = await Promise.all({
  5: [import('ai5'), import('openai-compatible5')],
  6: [import('ai6'), import('openai-compatible6')],
  7: [import('ai'), import('@ai-sdk/openai-compatible')],
}[major]);

const exporter = new PostHogTraceExporter({ projectToken: 'phc_of_the_application', host: receiver });
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes({ 'service.name': 'shop' }),
  spanProcessors: [new BatchSpanProcessor(exporter)],
});
provider.register();

const metadata = { posthog_distinct_id: 'customer-7', $ai_session_id: 'visit-9', shelf: 'animals' };
if (major === '7') {
  const { OpenTelemetry } = await import('@ai-sdk/otel');
  ai.registerTelemetry(new OpenTelemetry({ runtimeContext: true, usage: true }));
}
const telemetry = (functionId, more = {}) =>
  major === '7'
    ? {
        runtimeContext: metadata,
        telemetry: {
          isEnabled: true,
          functionId,
          includeRuntimeContext: { posthog_distinct_id: true, $ai_session_id: true, shelf: true },
          ...more,
        },
      }
    : { experimental_telemetry: { isEnabled: true, functionId, metadata, ...more } };

const models = createOpenAICompatible({
  name: 'stand-in',
  baseURL: modelUrl,
  apiKey: 'sk-fake',
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = models.chatModel('stand-in-1');
const embedder = (models.embeddingModel ?? models.textEmbeddingModel).call(models, 'stand-in-embed');
const shape = z.object({ name: z.string(), age: z.number() });
const weather = ai.tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => ({ city, temperature: 7 }),
});
const rounds = (ai.stepCountIs ?? ai.isStepCount)(3);
const withTool = { tools: { weather }, stopWhen: rounds };

const scenes = {
  async text(of) {
    const said = major === '7' ? { instructions: 'Be terse.' } : { system: 'Be terse.' };
    await ai.generateText({ model, ...said, prompt: 'A fact?', temperature: 0.5, ...of });
  },
  async stream(of) {
    const result = ai.streamText({ model, prompt: 'TOOL: weather in Oslo?', ...withTool, ...of });
    await result.consumeStream();
  },
  async object(of) {
    // generateObject of version 7 takes no context, and is deprecated.
    await (major === '7'
      ? ai.generateText({ model, output: ai.Output.object({ schema: shape }), prompt: 'A pet', ...of })
      : ai.generateObject({ model, schema: shape, prompt: 'A pet', ...of }));
  },
  async embedding(of) {
    await ai.embed({ model: embedder, value: 'hedgehog', ...of });
  },
  async embeddings(of) {
    await ai.embedMany({ model: embedder, values: ['hedgehog', 'fox', 'owl'], ...of });
  },
  async limited(of) {
    await fails(ai.generateText({ model, prompt: 'FAIL429', maxRetries: 0, ...of }));
  },
  async broken(of) {
    await fails(ai.generateText({ model, prompt: 'FAIL500', maxRetries: 0, ...of }));
  },
};

async function fails(call) {
  const outcome = await call.then(() => 'succeeded', () => 'failed');
  if (outcome !== 'failed') throw new Error('the call should have failed');
}

for (const [name, play] of Object.entries(scenes)) await play(telemetry(name));
const nothing = { recordInputs: false, recordOutputs: false };
await ai.generateText({
  model,
  prompt: 'TOOL: PRIVATE?',
  ...withTool,
  ...telemetry('private', nothing),
});
await provider.shutdown();
trace.disable();
