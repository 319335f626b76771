import type { Call } from "../call.ts";
import type { Handler } from "../command.ts";
import { ValueType } from "../container.ts";
import { markRaw, markText } from "../string-edits.ts";
import { HashValue } from "../structures/hash-value.ts";
import { SetForm, SetValue } from "../structures/set-value.ts";
import { SortedSet } from "../structures/sorted-set.ts";

/**
 * `STORE.FORM key form...`: values are kept in forms that grow and never go back, and a random pick depends on the form,
 * so a snapshot has to say it; so has it what OBJECT ENCODING replies of strings. For the log and snapshots alone.
 */
function form(call: Call): void {
  const { args, db, reply, session, store } = call;
  const record = db.findForWrite(args, 1);
  if (!session.isInternal) {
    reply.error("ERR STORE.FORM is for the store's own files only");
    return;
  }
  if (record !== 0 && db.typeOf(record) === ValueType.string) {
    if (args.isWord(2, "RAW")) markRaw(store, record);
    else markText(store, record);
  } else if (record !== 0) {
    const name = args.text(2);
    const container = db.containerOf(record);
    if (container instanceof HashValue) container.makeTable();
    else if (container instanceof SortedSet) container.makeIndexed();
    else if (container instanceof SetValue) {
      const encoding = args.count > 3 && args.text(3) === "intset" ? "intset" : "hashtable";
      container.restoreForm(
        name === "table" ? SetForm.table : name === "packed" ? SetForm.packed : SetForm.ints,
        encoding,
      );
    }
  }
  reply.ok();
}

/** Commands that only the store itself writes. */
export const INTERNAL_HANDLERS: Readonly<Record<string, Handler>> = { "store.form": form };
