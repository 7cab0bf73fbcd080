"""How strong a captcha is: what machines read of it after how many labels, what people read, and what that means."""
