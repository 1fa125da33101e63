import { describe, expect, it } from 'vitest';
import { formObject } from '@/lib/action';
import { peerHeader } from '@/lib/auth/network';
import { registerAction, signInAction } from '@/lib/users/actions';
import { freshAddress } from '@/tests/support/accounts';
import { withRequest } from '@/tests/support/request-scope';

/* Server actions are open to whoever can send a request: what arrives need not be what our pages would have sent. */

function formOf(fields: [name: string, value: string | Blob][]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

describe('a form that no page of ours made', () => {
  it('costs no more time for a hundred thousand fields than reading them once', () => {
    const form = formOf(Array.from({ length: 100_000 }, (_, at): [string, string] => [`field${at}`, '']));
    const began = performance.now();
    expect(Object.keys(formObject(form))).toHaveLength(100_000);
    // Field by field it took minutes.
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it('is read alike whether a field is called __proto__ or otherwise', () => {
    const read = formObject(
      formOf([
        ['__proto__[]', 'a'],
        ['constructor', 'b'],
        ['name', 'c'],
      ]),
    );
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.entries(read)).toEqual([
      ['__proto__', ['a']],
      ['constructor', 'b'],
      ['name', 'c'],
    ]);
    const file = formObject(formOf([['__proto__', new Blob(['x'])]]));
    expect(Object.getPrototypeOf(file)).toBe(Object.prototype);
  });

  it('registers a name with a NUL in it without that NUL', async () => {
    const form = formOf([
      ['locale', 'en'],
      ['name', 'Ann\0a'],
      ['email', `\0${freshAddress()}`],
      ['password', 'a sound password'],
    ]);
    const register = () =>
      withRequest({ [peerHeader()]: '10.200.0.1' }, () => registerAction({ ok: null }, form), {
        after: () => {},
      });
    await expect(register()).rejects.toMatchObject({
      digest: expect.stringContaining('/verify-email') as string,
    });
  });

  it('is not sent back to whoever sends more than our forms take', async () => {
    const signIn = async (fields: [string, string][]) => {
      const answer = await withRequest({ [peerHeader()]: '10.200.0.3' }, () =>
        signInAction({ ok: null }, formOf(fields)),
      );
      return answer.ok === false ? answer.values : null;
    };
    const many = Array.from({ length: 20_000 }, (_, at): [string, string] => [`field${at}`, 'x']);
    const values = await signIn([['email', 'anna'], ['long', '"'.repeat(5_000_000)], ...many]);
    expect(values).toMatchObject({ email: 'anna' });
    expect(JSON.stringify(values).length).toBeLessThan(30_000);
    expect(await signIn([['email', '"'.repeat(5_000_000)]])).toEqual({});
  });

  it('is told that nothing was filled in when it is no form at all', async () => {
    const something: unknown = ['not', 'a', 'form'];
    const answer = await withRequest({ [peerHeader()]: '10.200.0.2' }, () =>
      Reflect.apply(signInAction, undefined, [{ ok: null }, something]),
    );
    expect(answer).toMatchObject({
      ok: false,
      error: { code: 'invalid', fields: { email: { code: expect.any(String) as string } } },
    });
  });
});
