import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';

const headers = z.record(z.string(), z.union([z.string(), z.array(z.string()), z.number()]).optional());

/** What Next keeps of a page, of a route handler's answer and of what a cached function answered. Source: next/dist/server/response-cache/types.d.ts */
export type Value =
  | {
      kind: 'APP_PAGE';
      html: string;
      rscData?: Buffer | undefined;
      headers?: z.output<typeof headers> | undefined;
      postponed?: string | undefined;
      status?: number | undefined;
      segmentData?: Map<string, Buffer> | undefined;
    }
  | { kind: 'APP_ROUTE'; body: Buffer; status: number; headers: z.output<typeof headers> }
  | {
      kind: 'FETCH';
      data: { headers: Record<string, string>; body: string; url: string; status?: number | undefined };
      tags?: string[] | undefined;
      revalidate: number;
    };

/** Seconds for which it is fresh, false for ever, and after which it is not to be shown at all. */
export type Life = { revalidate: number | false; expire?: number | undefined };

/** Something kept. */
export type Entry = {
  /** By the clock of Redis, microseconds: nothing that it was made of was read before. 0 without Redis. */
  there: number;
  /** When it was finished, ms since 1970. */
  lastModified: number;
  tags: string[];
  value: Value;
  life?: Life | undefined;
};

/** Larger ones are kept by each instance for itself, octets of what is sent. Upstash takes requests of 1 MB. */
const sharedOctetsMax = 900_000;
const unpackedOctetsMax = 32 * 1024 * 1024;

const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'));
const stored = z.object({
  there: z.number(),
  lastModified: z.number(),
  tags: z.array(z.string()),
  life: z
    .object({ revalidate: z.union([z.number(), z.literal(false)]), expire: z.number().optional() })
    .optional(),
  value: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('APP_PAGE'),
      html: z.string(),
      rscData: bytes.optional(),
      headers: headers.optional(),
      postponed: z.string().optional(),
      status: z.number().optional(),
      segmentData: z
        .array(z.tuple([z.string(), bytes]))
        .transform((pairs) => new Map(pairs))
        .optional(),
    }),
    z.object({ kind: z.literal('APP_ROUTE'), body: bytes, status: z.number(), headers }),
    z.object({
      kind: z.literal('FETCH'),
      data: z.object({
        headers: z.record(z.string(), z.string()),
        body: z.string(),
        url: z.string(),
        status: z.number().optional(),
      }),
      tags: z.array(z.string()).optional(),
      revalidate: z.number(),
    }),
  ]),
});

const base64 = (buffer: Buffer) => Buffer.from(buffer).toString('base64');

function toJson(value: Value): unknown {
  switch (value.kind) {
    case 'APP_PAGE': {
      const { rscData, segmentData, ...rest } = value;
      return {
        ...rest,
        ...(rscData ? { rscData: base64(rscData) } : {}),
        ...(segmentData ? { segmentData: [...segmentData].map(([name, data]) => [name, base64(data)]) } : {}),
      };
    }
    case 'APP_ROUTE':
      return { ...value, body: base64(value.body) };
    case 'FETCH':
      return value;
  }
}

/** As text that Redis keeps; null for what is too large to be shared. */
export async function encodeEntry(entry: Entry): Promise<string | null> {
  const { there, lastModified, tags, life, value } = entry;
  const text = JSON.stringify({ there, lastModified, tags, life, value: toJson(value) });
  if (text.length > unpackedOctetsMax / 2) return null;
  const packed = (await promisify(gzip)(text)).toString('base64');
  return packed.length <= sharedOctetsMax ? packed : null;
}

/** What {@link encodeEntry} made; null for whatever else stands there. */
export async function decodeEntry(text: unknown): Promise<Entry | null> {
  if (typeof text !== 'string') return null;
  try {
    const json = await promisify(gunzip)(Buffer.from(text, 'base64'), { maxOutputLength: unpackedOctetsMax });
    return stored.parse(JSON.parse(json.toString('utf8')));
  } catch {
    return null;
  }
}

/** About as many octets as it takes in memory. */
export function octetsOf({ value, tags }: Entry): number {
  const ground = 1000 + tags.join().length * 2;
  switch (value.kind) {
    case 'APP_PAGE': {
      let octets = ground + value.html.length * 2 + (value.rscData?.length ?? 0);
      for (const [name, data] of value.segmentData ?? []) octets += name.length * 2 + data.length + 200;
      return octets;
    }
    case 'APP_ROUTE':
      return ground + value.body.length;
    case 'FETCH':
      return ground + value.data.body.length * 2;
  }
}

/** A tag that says when what bears it is over by itself: `until:` and ms since 1970. */
export const untilTag = (instant: Date) => `until:${instant.getTime()}`;

/** Whether one of the tags says that it is over. */
export function isOver(tags: string[], now: number): boolean {
  return tags.some((tag) => tag.startsWith('until:') && Number(tag.slice(6)) <= now);
}
