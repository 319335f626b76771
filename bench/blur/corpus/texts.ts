// Words of the pictures. What stands under `test` appears in no other set.

/** Words in one language; `font` is what can draw them. */
export interface Words {
  readonly language: string;
  readonly titles: readonly string[];
  readonly bodies: readonly string[];
  readonly times: readonly string[];
  readonly apps: readonly string[];
  readonly isRightToLeft?: boolean;
}

const ENGLISH: Words = {
  language: "en",
  titles: [
    "Mum",
    "Alex Fisher",
    "Book club",
    "Jordan",
    "Priya 😀",
    "Work group (12)",
    "Delivery",
    "Dr. Hale's office",
    "Sam ♥",
    "Bank of Harrow",
    "+44 20 7946 0958",
    "team-backend",
  ],
  bodies: [
    "Are you coming tonight?",
    "ok",
    "I put the key under the second flower pot, the green one next to the stairs. Don't forget to lock the gate when you leave, please!",
    "Your code is 482 913. Do not share it with anyone.",
    "Sent a photo",
    "The meeting has moved to 15:30 in room 4. Bring the figures for March and April if you have them.",
    "haha that was amazing 😂",
    "Your parcel is out for delivery and arrives between 14:00 and 16:00.",
    "You spent £23.40 at Corner Grocery. Balance: £1,204.77",
    "Missed call (2)",
    "Can you send me the address again? I lost it",
    "Reminder: dentist tomorrow at 9:15",
    "voice message, 0:42",
  ],
  times: ["now", "1m ago", "2m", "now", "5 min"],
  apps: ["Messages", "Mail", "Chat", "Calendar", "Wallet", "Photos", "Courier"],
};

const JAPANESE: Words = {
  language: "ja",
  titles: ["お母さん", "田中さくら", "ゲーム部", "山本 健", "宅配便", "会社グループ(8)", "銀行からのお知らせ"],
  bodies: [
    "今どこにいるの?",
    "了解です!",
    "明日の待ち合わせは駅前のカフェで10時に変更になりました。遅れる場合は連絡してください。",
    "写真を送信しました",
    "認証コードは 593021 です。誰にも教えないでください。",
    "今日の配信すごく面白かった〜",
    "お荷物をお届けしました。ご確認ください。",
    "着信がありました",
  ],
  times: ["たった今", "今", "1分前", "3分前"],
  apps: ["メッセージ", "メール", "カレンダー", "通話", "天気"],
};

const CHINESE: Words = {
  language: "zh",
  titles: ["妈妈", "王小明", "工作群", "快递", "李老师"],
  bodies: [
    "你到了吗?",
    "好的",
    "您的验证码是 771204,五分钟内有效,请勿泄露给他人。",
    "明天下午三点在会议室开会,请准时参加",
    "[图片]",
    "晚上一起吃饭吧",
  ],
  times: ["现在", "刚刚", "1分钟前"],
  apps: ["信息", "邮件", "日历", "微聊"],
};

const RUSSIAN: Words = {
  language: "ru",
  titles: ["Мама", "Иван Петров", "Соседи", "Банк"],
  bodies: [
    "Ты где?",
    "Перезвоню через пять минут, сейчас на встрече",
    "Код подтверждения: 4471",
    "Фото",
    "С днём рождения! Желаем счастья, здоровья и всего самого доброго",
  ],
  times: ["сейчас", "1 мин", "2 мин назад"],
  apps: ["Сообщения", "Почта", "Календарь"],
};

const ARABIC: Words = {
  language: "ar",
  titles: ["أمي", "أحمد", "مجموعة العمل"],
  bodies: ["أين أنت الآن؟", "تم تغيير موعد الاجتماع إلى الساعة الثالثة", "رمز التحقق الخاص بك هو 4471", "حسنا"],
  times: ["الآن", "قبل دقيقة"],
  apps: ["الرسائل", "البريد"],
  isRightToLeft: true,
};

const TEST_ENGLISH: Words = {
  language: "en",
  titles: ["Grandpa", "Noor Haddad", "Flat 4B", "Lena ☀", "Chess club", "Tax office", "0161 496 0003", "ops-oncall"],
  bodies: [
    "call me when you can",
    "Yes!",
    "The heating engineer comes on Thursday between eight and noon, somebody has to be at home to let him in. Could it be you this time?",
    "One-time passcode 771-02-4. It expires in ten minutes.",
    "Nina reacted to your message",
    "Your flight KX 218 to Porto now departs from gate B14 at 18:05",
    "Salary received: €2,318.00",
    "lol 😅 where did you find that",
    "New sign-in from an unknown device. Was it you?",
  ],
  times: ["Now", "just now", "4m ago", "09:41"],
  apps: ["Inbox", "Talk", "Airline", "Authenticator", "Notes"],
};

const TEST_JAPANESE: Words = {
  language: "ja",
  titles: ["おじいちゃん", "鈴木一郎", "大学の友達(5)", "病院予約"],
  bodies: [
    "電車が遅れているので少し待ってて",
    "ありがとう!",
    "次回のご予約は12月3日(木)午後2時30分です。変更はお電話でお願いいたします。",
    "パスワードの再設定が要求されました",
    "スタンプを送信しました",
  ],
  times: ["今", "2分前", "たった今"],
  apps: ["受信箱", "電話", "予約"],
};

const TEST_GREEK: Words = {
  language: "el",
  titles: ["Μαμά", "Γιώργος Π.", "Γραφείο"],
  bodies: [
    "Πού είσαι;",
    "Ο κωδικός σας είναι 8842",
    "Η συνάντηση μεταφέρθηκε για αύριο στις έντεκα το πρωί",
    "Εντάξει",
  ],
  times: ["τώρα", "1 λεπτό"],
  apps: ["Μηνύματα", "Αλληλογραφία"],
};

/** Words by set; English and Japanese are more frequent. */
export const WORDS = {
  train: [ENGLISH, ENGLISH, ENGLISH, JAPANESE, JAPANESE, CHINESE, RUSSIAN, ARABIC],
  test: [TEST_ENGLISH, TEST_ENGLISH, TEST_ENGLISH, TEST_JAPANESE, TEST_JAPANESE, CHINESE, TEST_GREEK],
} as const;

/** Font families by set, as CSS has them. */
export const FONTS = {
  train: ["Liberation Sans", "Liberation Sans", "DejaVu Sans", "Nimbus Sans"],
  test: ["Liberation Sans", "URW Gothic", "DejaVu Sans Condensed", "Nimbus Sans Narrow", "DejaVu Sans"],
} as const;
