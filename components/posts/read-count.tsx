import { NextIntlClientProvider } from 'next-intl';
import { getMessages } from 'next-intl/server';
import { ViewBeacon } from './view-beacon';

/** How often an article was read, counted by its being shown. */
export async function ReadCount({ id, views }: { id: number; views: number }) {
  const { blog } = await getMessages();
  return (
    <NextIntlClientProvider messages={{ blog: { views: blog.views } }}>
      <ViewBeacon key={id} id={id} views={views} />
    </NextIntlClientProvider>
  );
}
