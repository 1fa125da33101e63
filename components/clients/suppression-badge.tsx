import { useTranslations } from 'next-intl';
import { Badge } from '@/components/ui/badge';
import type { Suppression } from '@/lib/clients/schema';

/** Why a client gets no letters, in a word; nothing for one who does. */
export function SuppressionBadge({ suppression }: { suppression: Suppression | null }) {
  const t = useTranslations('clients.suppression');
  if (!suppression) return null;
  return <Badge tone={suppression.reason === 'unsubscribed' ? 'warn' : 'bad'}>{t(suppression.reason)}</Badge>;
}
