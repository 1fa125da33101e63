import { notFound, redirect } from 'next/navigation';
import { getLocale } from 'next-intl/server';
import { requireActor } from '@/lib/auth/session';
import { env } from '@/lib/env';
import { localizedPath } from '@/lib/i18n/paths';
import { canManage } from '@/lib/policy/rules';

export default async function ManagePage() {
  const actor = await requireActor();
  if (!canManage(actor)) notFound();
  redirect(localizedPath(await getLocale(), '/manage/users', env().DEFAULT_LOCALE));
}
