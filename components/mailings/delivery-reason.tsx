import { useTranslations } from 'next-intl';

const reasons = [
  'unsubscribed',
  'bounced',
  'complained',
  'refused',
  'tries_used',
  'no_answer',
  'engine_died',
  'key_expired',
  'stopped',
  'disabled',
  'blocked',
  'deadline_passed',
  'sender_waited_too_long',
  'held_too_long',
  'letter_changed',
  'not_repeated',
] as const;

/** Why a letter ended as it did, as a sentence. */
export function DeliveryReason({ reason }: { reason: string | null }) {
  const t = useTranslations('mailings.reasons');
  if (!reason) return null;
  const known = reasons.find((code) => code === reason);
  return known ? t(known) : t('other', { code: reason });
}
