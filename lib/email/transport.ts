import { appUrl, type Env, env, keyedDigest, SettingsError } from '@/lib/env';
import { isLoopback, type SmtpSettings } from './connection';
import type { Transport } from './letter';
import { outboxTransport } from './outbox';
import { resendTransport } from './resend';
import { smtpTransport } from './smtp';

export type { Letter, Mailbox, SenderTrouble, SendResult, Transport, WaitCode } from './letter';

const resendUrl = 'https://api.resend.com';

/** Which way letters leave. Development keeps them in the outbox; production has to name one. */
export function transportKind(settings: Env = env()): Transport['kind'] {
  if (settings.EMAIL_TRANSPORT) return settings.EMAIL_TRANSPORT;
  if (settings.NODE_ENV !== 'production') return 'outbox';
  throw new SettingsError(
    'Wrong settings:\n  EMAIL_TRANSPORT: is needed in production (resend, smtp or outbox)',
  );
}

/** `SMTP_URL` (`smtp[s]://user:password@host:port`, percent-encoded), with SMTP_HOST, _PORT, _USER, _PASSWORD for what it leaves out. */
export function smtpSettings(settings: Env = env()): SmtpSettings {
  const url = settings.SMTP_URL ? new URL(settings.SMTP_URL) : null;
  const host = (url?.hostname || settings.SMTP_HOST || '').replace(/^\[|\]$/g, '');
  if (!host) throw new SettingsError('Wrong settings:\n  SMTP_URL: names no host, and SMTP_HOST is not set');
  const named = url?.port ? Number(url.port) : settings.SMTP_PORT;
  const implicitTls = url ? url.protocol === 'smtps:' : named === 465;
  const user = decoded(url?.username) || settings.SMTP_USER || null;
  return {
    host,
    port: named ?? (implicitTls ? 465 : 587),
    implicitTls,
    tls: url?.searchParams.get('tls') === 'off' ? 'off' : 'required',
    user,
    password: user === null ? null : decoded(url?.password) || (settings.SMTP_PASSWORD ?? null),
    connections: settings.SEND_CONNECTIONS,
    timeoutMs: settings.SMTP_TIMEOUT_SECONDS * 1000,
  };
}

function decoded(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw new SettingsError('Wrong settings:\n  SMTP_URL: user and password must be percent-encoded');
  }
}

/**
 * `kind:user@host:port#digest`: the same for every process with the same settings, and another one as soon as any of them
 * changes, so that a mended password ends the waiting. Holds no secret.
 */
export function transportName(settings: Env = env()): string {
  const kind = transportKind(settings);
  if (kind === 'outbox') return 'outbox';
  const digest = (...parts: unknown[]) =>
    keyedDigest('transport', JSON.stringify([settings.EMAIL_FROM, ...parts]))
      .toString('hex')
      .slice(0, 8);
  if (kind === 'resend') {
    const base = settings.RESEND_BASE_URL ?? resendUrl;
    return `resend:${new URL(base).host}#${digest(base, settings.RESEND_API_KEY)}`;
  }
  const { host, port, user, password, implicitTls, tls } = smtpSettings(settings);
  return `smtp:${user === null ? '' : `${user}@`}${host}:${port}#${digest(host, port, user, password, implicitTls, tls)}`;
}

/** The transport that the settings name. Throws {@link SettingsError} in production when they name none. */
export function createTransport(settings: Env = env()): Transport {
  const name = transportName(settings);
  switch (transportKind(settings)) {
    case 'outbox':
      return outboxTransport(name);
    case 'smtp':
      return smtpTransport(name, smtpSettings(settings));
    case 'resend':
      return resendTransport(name, {
        apiKey: settings.RESEND_API_KEY ?? '',
        baseUrl: settings.RESEND_BASE_URL ?? resendUrl,
        timeoutMs: 30_000,
      });
  }
}

/** Do real letters carry links that only this machine can open (`APP_URL` is a loopback address)? */
export function hasLoopbackLinks(): boolean {
  const host = new URL(appUrl()).hostname.replace(/^\[|\]$/g, '');
  return transportKind() !== 'outbox' && isLoopback(host);
}
