// What the page itself says, in the browser's language.

const WORDS = {
  en: {
    you_are: "You are", home: "Home", thread: "Thread", close: "Close the thread", places: "Channels and direct messages", channels: "Channels", direct: "Direct messages",
    write: "Message", reply: "Reply…", send: "Send", attach: "Attach files", files_here: "Drop files here", replies: "replies",
    one_reply: "1 reply", reply_in_thread: "Reply in thread", edit: "Edit", remove: "Delete", more: "More", edited: "edited",
    only_you: "Only you can see this", app: "APP", stop: "Stop", yes: "Yes", no: "No", sure: "Delete this message?", guest: "guest",
    outside: "other company", private: "private", failed: "That did not work", gone: "This file was deleted.", save: "Save",
    cancel: "Cancel", empty: "Nothing has been said here yet. Drop a PDF, write to @folio, or type / to see what there is.", nothing_home: "The app has not published a Home yet.",
    sentiment: "Sentiment", extract: "Extract fields", summarize: "Summarize", offline: "Connecting…", today: "Today",
    yesterday: "Yesterday", deleted: "This message was deleted.", remove_file: "Delete the file",
    dispatch_failed: "the app is not connected", operation_timeout: "the app did not answer in time",
    invalid_command: "there is no such command; type / to see them",
    empty_direct: "Nothing has been said here yet. Ask something, drop a document, or say hello.",
    welcome: "A play workspace on your own machine",
    welcome_what: "Lantern and its people are made up, so that you can try Folio without Slack. Folio reads documents and answers questions about them, each sentence with its page. Nothing leaves this machine. Share the sample first, then ask about it, or drop a PDF of your own.",
    share_sample: "Share the sample handbook", upload_failed: "the file could not be sent",
    disk_full: "the disk of this machine is full; make room, then try again",
    questions: ["How many days of paid leave do full-time employees get?", "How many hours does the full working week have?"],
  },
  fr: {
    you_are: "Vous êtes", home: "Accueil", thread: "Fil", close: "Fermer le fil", places: "Canaux et messages directs", channels: "Canaux", direct: "Messages directs",
    write: "Message", reply: "Répondre…", send: "Envoyer", attach: "Joindre des fichiers", files_here: "Déposez les fichiers ici",
    replies: "réponses", one_reply: "1 réponse", reply_in_thread: "Répondre dans le fil", edit: "Modifier", remove: "Supprimer",
    more: "Plus", edited: "modifié", only_you: "Visible par vous seul", app: "APP", stop: "Arrêter", yes: "Oui", no: "Non",
    sure: "Supprimer ce message ?", guest: "invité", outside: "autre entreprise", private: "privé", failed: "Cela n’a pas marché",
    gone: "Ce fichier a été supprimé.", save: "Enregistrer", cancel: "Annuler", empty: "Rien n’a encore été dit ici. Déposez un PDF, écrivez à @folio, ou tapez / pour voir ce qu’il y a.",
    nothing_home: "L’application n’a pas encore publié d’accueil.", sentiment: "Sentiment", extract: "Extraire des champs",
    summarize: "Résumer", offline: "Connexion…", today: "Aujourd’hui", yesterday: "Hier", deleted: "Ce message a été supprimé.",
    remove_file: "Supprimer le fichier", dispatch_failed: "l’application n’est pas connectée",
    operation_timeout: "l’application n’a pas répondu à temps",
    invalid_command: "cette commande n’existe pas ; tapez / pour les voir",
    empty_direct: "Rien n’a encore été dit ici. Posez une question, déposez un document, ou dites bonjour.",
    welcome: "Un espace d’essai sur votre propre machine",
    welcome_what: "Lantern et ses membres sont inventés, pour essayer Folio sans Slack. Folio lit des documents et répond aux questions, chaque phrase avec sa page. Rien ne quitte cette machine. Partagez d’abord l’exemple, puis interrogez-le, ou déposez un PDF à vous.",
    share_sample: "Partager le manuel d’exemple", upload_failed: "le fichier n’a pas pu être envoyé",
    disk_full: "le disque de cette machine est plein ; libérez de la place, puis réessayez",
    questions: ["Combien de temps dure la garantie de la station ?", "Quelle est la précision de la température ?"],
  },
};

export const language = (navigator.language || "en").startsWith("fr") ? "fr" : "en";

export function say(name) {
  return WORDS[language][name] ?? name;
}

export const COMMANDS = [
  ["/folio", { en: "All of this in one: a question, or a verb and what it is about", fr: "Tout en une : une question, ou un verbe et son objet" }],
  ["/ask", { en: "Ask the documents of this channel", fr: "Interroger les documents de ce canal" }],
  ["/summarize", { en: "Summarize a document", fr: "Résumer un document" }],
  ["/docs", { en: "List and remove documents", fr: "Voir et retirer des documents" }],
  ["/help", { en: "What Folio can do", fr: "Ce que Folio sait faire" }],
  ["/forget-me", { en: "Remove what is stored about me", fr: "Effacer ce qui me concerne" }],
  ["/sentiment", { en: "Positive or negative?", fr: "Positif ou négatif ?" }],
  ["/extract", { en: "Read fields out of a text or document", fr: "Lire des champs dans un texte ou document" }],
  ["/attention", { en: "Attention step by step", fr: "L’attention pas à pas" }],
].map(([name, about]) => ({ name, about: about[language] }));
