export type { Letter, Mailbox, SenderTrouble, SendResult, Transport, WaitCode } from './letter';
