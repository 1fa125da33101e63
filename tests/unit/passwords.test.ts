import { describe, expect, it } from 'vitest';
import { hashPassword, noPassword, verifyPassword } from '@/lib/auth/passwords';
import { generatePassword, registerSchema } from '@/lib/users/schema';

const typed = { name: 'Ada', email: 'ada@example.org', locale: 'en', timeZone: 'Europe/Moscow' };
const problem = (password: string) =>
  registerSchema.safeParse({ ...typed, password }).error?.issues.map((issue) => issue.message)[0];

describe('passwords', () => {
  it('are kept as argon2id with the parameters of OWASP', async () => {
    expect(await hashPassword('a sound password')).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('open what they closed, and nothing else', async () => {
    const hash = await hashPassword('пароль с буквой й');
    expect(await verifyPassword(hash, 'пароль с буквой й'.normalize('NFD'))).toBe(true);
    expect(await verifyPassword(hash, 'пароль с буквой и')).toBe(false);
    expect(await verifyPassword(noPassword, noPassword)).toBe(false);
    expect(await verifyPassword(null, 'nobody has this password')).toBe(false);
  });

  it('may be checked many at once', async () => {
    const hash = await hashPassword('a sound password');
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => verifyPassword(hash, n % 2 ? 'a sound password' : 'no')),
    );
    expect(answers.filter(Boolean)).toHaveLength(20);
  });

  it.each([
    'password1',
    'PASSWORD',
    'qwertyuiop',
    '12345678',
    '87654321',
    'aaaaaaaaaa',
    'abcabcabc',
    'йцукенгшщз',
    'ada@example.org',
  ])('that everybody would guess are refused: %s', (password) => expect(problem(password)).toBe('guessable'));

  it('need eight characters and no more than two hundred', () => {
    expect(problem('short7x')).toBe('too_short');
    expect(problem('x y'.repeat(67))).toBe('too_long');
    expect(problem('correct staple of a horse')).toBeUndefined();
  });

  it('that we make differ, pass our own rules and hold 20 characters', () => {
    const made = Array.from({ length: 200 }, generatePassword);
    expect(new Set(made).size).toBe(200);
    for (const password of made) {
      expect(password).toMatch(/^[a-zA-Z2-9]{5}(-[a-zA-Z2-9]{5}){3}$/);
      expect(problem(password)).toBeUndefined();
    }
  });
});
