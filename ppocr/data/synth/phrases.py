"""The fixed words of receipts and forms in each language."""

from __future__ import annotations

RECEIPT_HEADS = {
    "zh": ("收银小票", "购物清单", "销售单", "结账单", "欢迎光临", "外卖订单"),
    "en": ("RECEIPT", "Tax Invoice", "CASH BILL", "Order", "Guest Check", "SALES RECEIPT", "Welcome"),
    "fr": ("TICKET", "Facture", "Reçu", "Bienvenue", "TICKET CLIENT", "Note"),
    "de": ("Kassenbon", "RECHNUNG", "Quittung", "Bon", "Kundenbeleg", "Willkommen"),
    "ja": ("領収書", "レシート", "御会計票", "お買上明細", "いらっしゃいませ"),
    "ko": ("영수증", "신용매출전표", "주문서", "거래명세서", "계산서"),
}
RECEIPT_KEYS = {
    "zh": ("单号", "收银员", "日期", "时间", "机号", "桌号", "会员卡号", "门店"),
    "en": ("Date", "Time", "Cashier", "Order No", "Table", "Server", "Store", "Trans #", "Terminal", "GST ID"),
    "fr": ("Date", "Heure", "Caisse", "Vendeur", "Table", "N° ticket", "SIRET", "TVA"),
    "de": ("Datum", "Uhrzeit", "Kasse", "Bediener", "Tisch", "Bon-Nr.", "Filiale", "USt-IdNr."),
    "ja": ("日付", "時刻", "担当", "レジ", "伝票番号", "店舗", "登録番号"),
    "ko": ("일자", "시간", "담당", "포스", "거래번호", "매장", "사업자번호"),
}
RECEIPT_SUMS = {
    "zh": ("合计", "小计", "实收", "找零", "优惠", "应收", "总计", "微信支付", "现金"),
    "en": ("TOTAL", "Subtotal", "Tax", "Cash", "Change", "VISA", "Discount", "Amount Due", "Rounding", "Tip"),
    "fr": ("TOTAL", "Sous-total", "TVA 20%", "Espèces", "Rendu", "Carte bancaire", "Remise", "Net à payer"),
    "de": ("SUMME", "Zwischensumme", "MwSt 19%", "Bar", "Rückgeld", "EC-Karte", "Rabatt", "Gesamt"),
    "ja": ("合計", "小計", "お預り", "お釣り", "消費税", "内税", "現金", "点数"),
    "ko": ("합계", "소계", "부가세", "현금", "거스름돈", "할인", "카드결제", "받을금액"),
}
RECEIPT_ENDS = {
    "zh": ("谢谢惠顾", "欢迎再次光临", "请保留小票以便退换", "开票请扫码"),
    "en": ("THANK YOU", "Please come again", "Goods sold are not returnable", "Have a nice day!", "CUSTOMER COPY"),
    "fr": ("Merci de votre visite", "À bientôt", "Merci et au revoir", "Ticket à conserver"),
    "de": ("Vielen Dank für Ihren Einkauf", "Auf Wiedersehen", "Bitte Beleg aufbewahren"),
    "ja": ("ありがとうございました", "またのお越しをお待ちしております", "上記正に領収いたしました"),
    "ko": ("감사합니다", "또 방문해 주세요", "교환 및 환불은 영수증 지참"),
}
FORM_TITLES = {
    "zh": ("申请表", "登记表", "报名表", "入库单", "体检报告", "信息采集表", "请假单"),
    "en": ("Application Form", "REGISTRATION", "Order Form", "Delivery Note", "Medical Report", "Questionnaire"),
    "fr": ("Formulaire de demande", "Inscription", "Bon de commande", "Fiche de renseignements", "Attestation"),
    "de": ("Antrag", "Anmeldeformular", "Bestellschein", "Lieferschein", "Fragebogen", "Bescheinigung"),
    "ja": ("申込書", "登録票", "注文書", "納品書", "履歴書", "届出書"),
    "ko": ("신청서", "등록 양식", "주문서", "이력서", "확인서", "설문지"),
}
FORM_KEYS = {
    "zh": ("姓名", "性别", "出生日期", "身份证号", "联系电话", "地址", "单位", "邮箱", "职务", "编号", "备注",
           "金额", "数量", "部门"),
    "en": ("Name", "Address", "Date of birth", "Phone", "E-mail", "City", "Country", "Signature", "Company", "No.",
           "Amount", "Quantity", "Remarks", "Department", "Postcode"),
    "fr": ("Nom", "Prénom", "Adresse", "Date de naissance", "Téléphone", "Courriel", "Ville", "Pays", "Signature",
           "Société", "Montant", "Quantité", "Code postal", "Observations"),
    "de": ("Name", "Vorname", "Straße", "Geburtsdatum", "Telefon", "E-Mail", "Ort", "Land", "Unterschrift", "Firma",
           "Betrag", "Menge", "PLZ", "Bemerkungen"),
    "ja": ("氏名", "住所", "生年月日", "電話番号", "会社名", "部署", "メール", "金額", "数量", "備考", "番号", "日付"),
    "ko": ("성명", "주소", "생년월일", "전화번호", "회사명", "부서", "이메일", "금액", "수량", "비고", "번호", "날짜"),
}  # fmt: skip
