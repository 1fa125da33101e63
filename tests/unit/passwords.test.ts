import { describe, expect, it } from 'vitest';
import { commonPasswords } from '@/lib/auth/common-passwords';
import { hashPassword, isCommonPassword, noPassword, verifyPassword } from '@/lib/auth/passwords';
import { generatePassword, passwordMin, passwordStrength, registerSchema } from '@/lib/users/schema';

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

  it('that are used most are refused: more than the first 3000 that our rules would allow', () => {
    expect(commonPasswords.size).toBeGreaterThanOrEqual(3000);
    for (const password of commonPasswords) {
      expect(password.length).toBeGreaterThanOrEqual(passwordMin);
      expect(isCommonPassword(password, { email: 'ada@example.org' })).toBe(true);
    }
  });

  it.each([
    ['JENNIFER', true],
    ['jennifer1984!', true],
    ['ada.lovelace', true],
    ['Ada.Lovelace@Example.org', true],
    ['ada lovelace 1815', true],
    ['AdaLovelace!', true],
    ['jennifer likes my tea', false],
    ['lovelace and babbage', false],
  ])('that speak of their owner or of everybody are refused: %s', (password, refused) => {
    const person = { email: 'ada.lovelace@example.org', name: 'Ada Lovelace' };
    expect(isCommonPassword(password, person)).toBe(refused);
  });

  it.each([
    ['', null],
    ['abc', 'short'],
    ['qwertyuiop', 'guessable'],
    ['aabbccddee', 'weak'],
    ['sunflower', 'weak'],
    ['sunflower-77', 'fair'],
    ['correct staple of a horse', 'strong'],
    ['жили были старик со старухой', 'strong'],
    [generatePassword(), 'strong'],
  ])('are told how good they are while being typed: %s', (password, strength) => {
    expect(passwordStrength(password)).toBe(strength);
  });
});
