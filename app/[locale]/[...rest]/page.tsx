import { notFound } from 'next/navigation';

/** Any address that no page has: without this one they would get a bare answer in no language. */
export default function NoSuchPage() {
  notFound();
}
