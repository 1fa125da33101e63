import { describe, expect, test } from 'vitest';
import { createTransport, smtpSettings, transportKind, transportName } from '@/lib/email/transport';
import { parseEnv, SettingsError } from '@/lib/env';

const smtp = (url: string, more: Record<string, string> = {}) =>
  parseEnv({ EMAIL_TRANSPORT: 'smtp', SMTP_URL: url, ...more });

describe('the transport that the settings name', () => {
  test('development keeps letters in the outbox; production has to name a transport', () => {
    expect(transportKind(parseEnv({}))).toBe('outbox');
    expect(() => transportKind(parseEnv({ NODE_ENV: 'production' }))).toThrow(SettingsError);
    expect(transportKind(parseEnv({ NODE_ENV: 'production', EMAIL_TRANSPORT: 'outbox' }))).toBe('outbox');
  });

  test('an SMTP address is read with its percent-encoding, and the rest from its own settings', () => {
    expect(smtpSettings(smtp('smtp://ann%40shop.org:p%3Ass@mail.shop.org'))).toMatchObject({
      host: 'mail.shop.org',
      port: 587,
      implicitTls: false,
      user: 'ann@shop.org',
      password: 'p:ss',
    });
    expect(
      smtpSettings(smtp('smtps://mail.shop.org', { SMTP_USER: 'ann', SMTP_PASSWORD: 'x' })),
    ).toMatchObject({
      port: 465,
      implicitTls: true,
      user: 'ann',
      password: 'x',
    });
    const parts = parseEnv({ EMAIL_TRANSPORT: 'smtp', SMTP_HOST: 'mail.shop.org', SMTP_PORT: '465' });
    expect(smtpSettings(parts)).toMatchObject({ port: 465, implicitTls: true, user: null, password: null });
    expect(smtpSettings(smtp('smtp://[::1]:2525'))).toMatchObject({ host: '::1', port: 2525 });
  });

  test('its name says where letters go, tells no secret, and changes with the password', () => {
    const one = transportName(smtp('smtp://ann:first@mail.shop.org:2525'));
    const two = transportName(smtp('smtp://ann:second@mail.shop.org:2525'));
    expect(one).toMatch(/^smtp:ann@mail\.shop\.org:2525#[0-9a-f]{8}$/);
    expect(two).not.toBe(one);
    expect(transportName(smtp('smtp://ann:first@mail.shop.org:2525'))).toBe(one);
    expect(transportName(parseEnv({ EMAIL_TRANSPORT: 'resend', RESEND_API_KEY: 're_secret' }))).toMatch(
      /^resend:api\.resend\.com#[0-9a-f]{8}$/,
    );
    expect(transportName(parseEnv({}))).toBe('outbox');
  });

  test('each kind can be made', () => {
    expect(createTransport(smtp('smtp://mail.shop.org'))).toMatchObject({
      kind: 'smtp',
      repeatsSafely: false,
    });
    expect(createTransport(parseEnv({ EMAIL_TRANSPORT: 'resend', RESEND_API_KEY: 're_x' }))).toMatchObject({
      kind: 'resend',
      repeatsSafely: true,
      batchMax: 100,
    });
  });
});
