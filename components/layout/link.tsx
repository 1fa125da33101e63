// Pages link through here; the primitives in components/ui need the same link and may not look up.
export { AppLink, LinkButton } from '@/components/ui/link';
