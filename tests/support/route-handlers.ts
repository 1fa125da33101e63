import { readdirSync } from 'node:fs';
import path from 'node:path';

const app = path.join(import.meta.dirname, '../../app');
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

type Handler = (request: Request, context: object) => Promise<Response>;

/** Paths below `app/` of the files of this name. */
export function appFiles(name: string): string[] {
  return readdirSync(app, { recursive: true, encoding: 'utf8' }).filter(
    (file) => path.basename(file) === name,
  );
}

/** `[locale]/(workspace)/clients/[id]/page.tsx` → `/clients/[id]`. */
export const addressOf = (file: string): string =>
  `/${path
    .dirname(file)
    .split('/')
    .filter((part) => part !== '[locale]' && part !== '.' && !/^\(.*\)$/.test(part))
    .join('/')}`;

/** What a file below `app/` exports. */
const importApp = (file: string): Promise<Record<string, unknown>> => import(path.join(app, file));

/** Every route handler that there is, by method and address: `POST /api/uploads`. */
export async function routeHandlers(): Promise<Map<string, Handler>> {
  const handlers = new Map<string, Handler>();
  for (const file of appFiles('route.ts')) {
    const module = await importApp(file);
    for (const method of methods) {
      const handler = module[method];
      if (typeof handler === 'function') handlers.set(`${method} ${addressOf(file)}`, handler as Handler);
    }
  }
  return handlers;
}
