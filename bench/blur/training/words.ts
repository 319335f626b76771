import type { Words } from "../corpus/index.ts";

const ENGLISH: Words = {
  language: "en",
  titles: [
    "Auntie Jo",
    "Marek Nowak",
    "Garden crew",
    "Kit ✿",
    "City Library",
    "Vet surgery",
    "0117 496 0112",
    "site-alerts",
  ],
  bodies: [
    "Running ten minutes late, start without me",
    "yep",
    "The plumber found the leak behind the washing machine and will be back tomorrow morning with a new hose, please leave the side door open for him.",
    "Use 305 118 to sign in. We will never ask you for it.",
    "Shared an album with you",
    "Your order #20418 has left the warehouse",
    "did you SEE that goal",
    "Two books are due on Friday",
    "Payment of $61.20 to Fern & Co. was declined",
  ],
  times: ["now", "3m", "moments ago", "18:22"],
  apps: ["Post", "Chatter", "Library", "Bank", "Tasks"],
};

const JAPANESE: Words = {
  language: "ja",
  titles: ["姉", "高橋ひろし", "バスケ部", "歯科クリニック"],
  bodies: [
    "今夜は遅くなります、先に食べていてください",
    "うん",
    "ログイン用コードは 305118 です。",
    "来週の打ち合わせは水曜日の午前11時から第2会議室で行います。資料をご持参ください。",
    "アルバムを共有しました",
  ],
  times: ["今", "3分前", "18:22"],
  apps: ["便り", "会話", "図書館"],
};

const SPANISH: Words = {
  language: "es",
  titles: ["Papá", "Lucía Gómez", "Vecinos 3º", "Correos"],
  bodies: [
    "¿Vienes a cenar?",
    "Tu código es 305118",
    "El paquete llegará mañana entre las diez y las doce, hace falta que haya alguien en casa para firmar",
    "vale",
  ],
  times: ["ahora", "hace 3 min"],
  apps: ["Mensajes", "Banco", "Agenda"],
};

/** What banners and pages of the development set say; no other set has these words. */
export const DEVELOPMENT_WORDS: readonly Words[] = [ENGLISH, ENGLISH, ENGLISH, JAPANESE, JAPANESE, SPANISH];
