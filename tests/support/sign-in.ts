import { NextRequest } from 'next/server';
import { handlers } from '@/lib/auth/config';

/** The cookies of a browser that has signed in. Import `request-scope` before this. */
export async function signIn(email: string, password: string): Promise<string> {
  const jar = new Map<string, string>();
  const call = async (method: 'GET' | 'POST', where: string, body?: Record<string, string>) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await handlers[method](
      new NextRequest(`http://localhost:3000/api/auth/${where}`, {
        method,
        headers: { cookie, host: 'localhost:3000', 'content-type': 'application/x-www-form-urlencoded' },
        ...(body ? { body: new URLSearchParams(body).toString() } : {}),
      }),
    );
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return response;
  };
  const answer: { csrfToken: string } = await (await call('GET', 'csrf')).json();
  await call('POST', 'callback/credentials', { email, password, csrfToken: answer.csrfToken });
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}
