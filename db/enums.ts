/** The closed sets of words that rows use; free to import from anywhere. */
export const localeNames = ['en', 'ru'] as const;
export const tokenKinds = ['confirm_email', 'reset_password', 'change_email'] as const;
export const suppressionReasons = ['unsubscribed', 'bounced', 'complained'] as const;
export const audiences = ['all', 'chosen'] as const;
export const periodicities = ['once', 'daily', 'weekly', 'monthly'] as const;
export const mailingStatuses = ['created', 'running', 'completed'] as const;
export const runKinds = ['scheduled', 'manual'] as const;
/** What people do with a mailing that its history tells. */
export const mailingEventKinds = [
  'started',
  'paused',
  'resumed',
  'stopped',
  'finished',
  'edited',
  'archived',
  'disabled',
  'enabled',
] as const;
export const runStatuses = ['open', 'done', 'partly_done', 'stopped', 'missed'] as const;
export const deliveryStatuses = [
  'queued',
  'sending',
  'sent',
  'failed',
  'skipped',
  'expired',
  'cancelled',
  'unknown',
] as const;
export const attemptStatuses = ['success', 'failure', 'unknown'] as const;
/** What an answer other than "accepted" means; the catalogue says each in plain words, with cause and what to do. */
export const answerKinds = [
  'address_unknown',
  'address_invalid',
  'mailbox_full',
  'mailbox_disabled',
  'domain_unknown',
  'spam',
  'reputation',
  'authentication',
  'content',
  'policy',
  'too_big',
  'rate_limited',
  'greylisted',
  'try_later',
  'quota',
  'auth_refused',
  'sender_refused',
  'relay_denied',
  'unreachable',
  'tls',
  'timeout',
  'garbage',
  'server_trouble',
  'no_answer',
  'interrupted',
  'sender_waited',
  'example_address',
  'letter_broken',
  'not_accepted',
] as const;
/** Why a transport takes nothing for a while; the catalogue says each in plain words. */
export const waitCodes = [
  'unreachable',
  'tls_failed',
  'greeting_refused',
  'auth_refused',
  'auth_not_offered',
  'sender_refused',
  'slow_down',
  'quota_daily',
  'quota_monthly',
  'server_error',
  'garbage',
  'timeout',
  'key_refused',
] as const;
export const postStatuses = ['draft', 'published'] as const;
/** What a picture is for: letters are read by mail programs, posts by browsers. */
export const uploadPurposes = ['letter', 'post'] as const;
/** What stored pictures are made of; `avif` only from before they were made anew. */
export const uploadKinds = ['jpg', 'png', 'webp', 'avif'] as const;
export const uploadStorages = ['disk', 'blob'] as const;

export type Periodicity = (typeof periodicities)[number];
export type Audience = (typeof audiences)[number];
export type MailingStatus = (typeof mailingStatuses)[number];
export type RunKind = (typeof runKinds)[number];
export type MailingEventKind = (typeof mailingEventKinds)[number];
export type RunStatus = (typeof runStatuses)[number];
export type DeliveryStatus = (typeof deliveryStatuses)[number];
export type AnswerKind = (typeof answerKinds)[number];
export type AttemptStatus = (typeof attemptStatuses)[number];
export type SuppressionReason = (typeof suppressionReasons)[number];
export type TokenKind = (typeof tokenKinds)[number];
export type PostStatus = (typeof postStatuses)[number];
export type UploadPurpose = (typeof uploadPurposes)[number];
export type UploadKind = (typeof uploadKinds)[number];
export type UploadStorage = (typeof uploadStorages)[number];
export type WaitCode = (typeof waitCodes)[number];
