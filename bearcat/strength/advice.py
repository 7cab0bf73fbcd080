"""What else protects a form, whom a text captcha excludes, and what the test of a captcha does not tell."""

PROTECTION = (
    "Limit how often: count attempts per account, per network address and per form, and slow down or refuse "
    "whoever tries more often than people do. This bounds what a program gains, however well it reads.",
    "Accept the answer to an image once, within minutes, and only if the server itself compares it. Otherwise a "
    "program gets in without reading anything.",
    "Proof of work: let the browser compute for a second before it may send the form. People notice little, programs "
    "pay for every attempt.",
    "Watch how many captchas are tried, and the fraction that is solved. A sudden change of either, up or down, can be "
    "a sign of programs.",
    "Protect what matters by something stronger: a confirmed e-mail address or telephone number, a second factor or a "
    "passkey for logins, a person who looks at new accounts.",
)
PROTECTION_SOURCES = (
    "OWASP Automated Threats to Web Applications, OAT-009 “CAPTCHA Defeat”; OWASP Cheat Sheet Series, “Bot Management "
    "and Anti-Automation” and “Credential Stuffing Prevention”."
)
ACCESSIBILITY = (
    "A text in an image excludes people who do not see it or see it badly, and makes it hard for many others, for "
    "example with dyslexia. No image that is harder for programs changes that.",
    "The accessibility guidelines WCAG 2.2 ask for a text that describes what the image is for, and for a second "
    "captcha that uses another sense, such as hearing (success criterion 1.1.1, level A). Logins need a way without a "
    "puzzle (3.3.8, level AA).",
    "W3C's note “Inaccessibility of CAPTCHA” describes ways that ask nothing of people, such as proof of work, and "
    "advises considering them before images of text.",
)
LIMITS = (
    "An attacker may have more labels, more computing time, thousands of images without labels, which Bearcat can "
    "learn from too, or other programs. Any of this may make a program read more, so the figures say what is "
    "certainly possible, not the most that is.",
    "An attacker can also pay people to read captchas, for about one US dollar per thousand (Motoyama et al., “Re: "
    "CAPTCHAs”, USENIX Security 2010).",
    "Whether a captcha is checked properly by the server is not tested.",
)
