import { z } from 'zod';

export const reasonMax = 500;

/** Why somebody is blocked or a mailing disabled: whom it concerns reads it. */
export const reasonSchema = z.string('required').trim().min(1, 'required').max(reasonMax, 'too_long');

/** Everything that is written down: verb and entity. */
export const auditActions = [
  'block_user',
  'unblock_user',
  'delete_user',
  'promote_user',
  'demote_user',
  'disable_mailing',
  'enable_mailing',
  'update_mailing',
  'delete_mailing',
  'start_run',
  'finish_run',
  'pause_mailing',
  'resume_mailing',
  'stop_mailing',
  'add_clients',
  'update_client',
  'delete_client',
  'create_message',
  'update_message',
  'archive_message',
  'delete_message',
  'update_post',
  'publish_post',
  'unpublish_post',
  'delete_post',
  'restore_post',
] as const;
export type AuditAction = (typeof auditActions)[number];

/** The words of the filter; null for anything else. */
export function asAuditAction(value: unknown): AuditAction | null {
  return auditActions.find((action) => action === value) ?? null;
}

/** Columns of the export, in order. */
export const auditColumns = [
  'at',
  'who',
  'action',
  'target_type',
  'target_id',
  'target',
  'reason',
  'before',
  'after',
] as const;
